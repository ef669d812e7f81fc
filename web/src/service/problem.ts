// Why a request failed, as the service says it (RFC 9457).
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  args?: Record<string, unknown>;
}

export class Problem extends Error {
  readonly status: number; // of HTTP; 0: the service could not be reached
  readonly code: string; // "" where the service names none
  readonly title: string;
  readonly args: Record<string, unknown>;

  constructor(status: number, body: ProblemBody) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.title = body.title ?? "";
    this.code = body.code ?? codeOf(body.type);
    this.args = body.args ?? {};
  }
}

function codeOf(type: string | undefined): string {
  const last = type && type !== "about:blank" ? type.split(/[/#:]/).pop() : "";
  return last ?? "";
}
