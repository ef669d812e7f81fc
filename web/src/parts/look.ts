// Where one looks in a picture that is larger than its frame: zoom and the point in the middle. Pure.
export interface Look {
  zoom: number; // 1: the whole picture fits
  x: number; // the picture's point in the middle of the frame, 0..1
  y: number;
}

export const WHOLE: Look = { zoom: 1, x: 0.5, y: 0.5 };
const ZOOM_MAX = 16;

function clamp(v: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, v));
}

// Keeps the picture over the frame.
export function within(look: Look): Look {
  const zoom = clamp(look.zoom, 1, ZOOM_MAX);
  const half = 0.5 / zoom;
  return { zoom, x: clamp(look.x, half, 1 - half), y: clamp(look.y, half, 1 - half) };
}

// Zooms by `by` so that the point of the picture under (fx, fy), parts of the frame, stays there.
export function zoomAt(look: Look, by: number, fx: number, fy: number): Look {
  const zoom = clamp(look.zoom * by, 1, ZOOM_MAX);
  const px = look.x + (fx - 0.5) / look.zoom;
  const py = look.y + (fy - 0.5) / look.zoom;
  return within({ zoom, x: px - (fx - 0.5) / zoom, y: py - (fy - 0.5) / zoom });
}

// Moves by parts of the frame.
export function moveBy(look: Look, dx: number, dy: number): Look {
  return within({ ...look, x: look.x - dx / look.zoom, y: look.y - dy / look.zoom });
}

export function transform(look: Look): string {
  return `translate(${(0.5 - look.x * look.zoom) * 100}%, ${(0.5 - look.y * look.zoom) * 100}%) scale(${look.zoom})`;
}
