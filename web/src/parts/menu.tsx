// A button that opens a list of actions.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

export interface Action {
  label: string;
  icon: IconName;
  run: () => void;
  disabled?: boolean;
  danger?: boolean;
}

export function Menu({ label, actions }: { label: string; actions: Action[] }) {
  const [open, set] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event): void => {
      if (!ref.current?.contains(e.target as Node)) set(false);
    };
    addEventListener("pointerdown", away);
    ref.current?.querySelector<HTMLElement>('[role="menuitem"]:not([disabled])')?.focus();
    return () => removeEventListener("pointerdown", away);
  }, [open]);

  function keys(e: KeyboardEvent): void {
    const items = [...(ref.current?.querySelectorAll<HTMLElement>('[role="menuitem"]:not([disabled])') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (e.key === "Escape") {
      set(false);
      ref.current?.querySelector<HTMLElement>("button")?.focus();
    } else if (e.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (e.key === "ArrowUp") items[(at + items.length - 1) % items.length]?.focus();
    else if (e.key === "Tab") set(false);
    else return;
    if (e.key !== "Tab") e.preventDefault();
    e.stopPropagation();
  }

  return (
    <div class="menu" ref={ref} onKeyDown={open ? keys : undefined}>
      <button class="plain" aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label} onClick={() => set(!open)}>
        <Icon name="more" />
      </button>
      {open && (
        <div class="menu-list" role="menu" aria-label={label}>
          {actions.map((a) => (
            <button
              key={a.label}
              role="menuitem"
              tabIndex={-1}
              disabled={a.disabled}
              class={a.danger ? "danger" : undefined}
              onClick={() => {
                set(false);
                ref.current?.querySelector<HTMLElement>("button")?.focus();
                a.run();
              }}
            >
              <Icon name={a.icon} size={18} /> {a.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
