// Begins the page.
import { render } from "preact";
import { App } from "./app.tsx";
import { finishOnLeave } from "./state/job_actions.ts";
import { followJobs, followMode } from "./state/jobs.ts";
import { followRoute } from "./state/route.ts";
import { applyTheme } from "./state/theme.ts";
import { language } from "./texts/text.ts";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/views.css";

document.documentElement.lang = language.value;
applyTheme();
followRoute();
followJobs(followMode(location.search));
finishOnLeave();
const root = document.getElementById("page");
if (root) {
  root.textContent = "";
  render(<App />, root);
}
