// Drawings of the page, 24 x 24, in the colour of the text beside them. Only decoration: what they mean stands beside them
// or in the button's label.
const PATHS = {
  restore: "M3 7h18v11H3zM8 15.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM16 15.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM8 15.2h8",
  queue: "M4 6h16M4 12h16M4 18h10",
  result: "M4 5h16v14H4zM12 5v14M7 12l2-2M7 12l2 2M17 12l-2-2M17 12l-2 2",
  performance: "M4 19V5M4 19h16M8 15l3.5-4 3 2.5L20 7",
  logs: "M6 4h9l4 4v12H6zM14 4v5h5M9 13h7M9 16h5",
  system: "M4 5h16v10H4zM9 19h6M12 15v4M8 8.5h3M8 11.5h6",
  settings: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM19 12l2-1-1.5-3.5-2.2.7-1.5-1.5.7-2.2L13 3l-1 2-1 0-1-2-3.5 1.5.7 2.2-1.5 1.5-2.2-.7L2 11l2 1-2 1 1.5 3.5 2.2-.7 1.5 1.5-.7 2.2L10 21l1-2h2l1 2 3.5-1.5-.7-2.2 1.5-1.5 2.2.7L22 13z",
  play: "M7 5v14l12-7z",
  pause: "M8 5v14M16 5v14",
  stop: "M6 6h12v12H6z",
  retry: "M4 12a8 8 0 1 1 2.5 5.8M4 20v-5h5",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v6M14 11v6",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warning: "M12 4L2.8 20h18.4zM12 10v5M12 17.5v.5",
  error: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7.5v6M12 16v.5",
  folder: "M3 6h6l2 2.5h10V19H3z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4",
  sound: "M4 10v4h3l4 4V6l-4 4zM15 9.5a4 4 0 0 1 0 5M17.5 7a8 8 0 0 1 0 10",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  download: "M12 4v12M7 11l5 5 5-5M4 20h16",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M5 19l1.7-1.7M17.3 6.7L19 5",
  zoom: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5M8 11h6M11 8v6",
  split: "M4 5h16v14H4zM12 5v14",
  toggle: "M4 7h11v11H4zM9 7V4h11v11h-5",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 20.5h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
