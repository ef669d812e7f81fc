// A long list of which only the visible rows are drawn: ten thousand scroll as ten do. Rows have one height.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Window {
  first: number;
  end: number; // behind the last
}

// The rows to draw: the visible ones and `more` on each side.
export function visibleRows(scrolled: number, height: number, row: number, count: number, more = 6): Window {
  const first = Math.max(0, Math.min(count, Math.floor(scrolled / row) - more));
  return { first, end: Math.min(count, Math.max(first, Math.ceil((scrolled + height) / row) + more)) };
}

interface Props {
  count: number;
  rowHeight: number;
  render: (index: number) => ComponentChildren;
  label: string;
  reveal?: number; // a row that has to be visible
}

// Scrolls with the page, so that there is one scroll bar.
export function VirtualList({ count, rowHeight, render, label, reveal }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const [shown, show] = useState<Window>({ first: 0, end: Math.min(count, 20) });

  function look(): void {
    const box = ref.current?.getBoundingClientRect();
    if (!box) return;
    const next = visibleRows(Math.max(0, -box.top), innerHeight, rowHeight, count);
    show((old) => (old.first === next.first && old.end === next.end ? old : next));
  }

  useLayoutEffect(look, [count, rowHeight]);
  useEffect(() => {
    let waiting = 0;
    const later = (): void => {
      if (!waiting)
        waiting = requestAnimationFrame(() => {
          waiting = 0;
          look();
        });
    };
    addEventListener("scroll", later, { passive: true, capture: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(waiting);
      removeEventListener("scroll", later, { capture: true });
      removeEventListener("resize", later);
    };
  }, [count, rowHeight]);
  useEffect(() => {
    if (reveal === undefined || reveal < 0) return;
    const box = ref.current?.getBoundingClientRect();
    if (!box) return;
    const top = box.top + reveal * rowHeight;
    if (top < 80) scrollBy({ top: top - 80 });
    else if (top + rowHeight > innerHeight - 24) scrollBy({ top: top + rowHeight - innerHeight + 24 });
  }, [reveal]);

  const rows = [];
  for (let i = shown.first; i < Math.min(shown.end, count); i++) rows.push(render(i));
  return (
    <div ref={ref} class="virtual" role="list" aria-label={label} style={{ height: `${count * rowHeight}px` }}>
      <div style={{ transform: `translateY(${shown.first * rowHeight}px)` }}>{rows}</div>
    </div>
  );
}
