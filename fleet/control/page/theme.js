// Dark or light: as the system has it, unless somebody has chosen.

import { useEffect, useState } from "preact/hooks";

const KEPT = "homefleet-theme";
const all = ["", "dark", "light"];
const names = { "": "as the system has it", dark: "dark", light: "light" };

export const theme = (t) => names[t];
const now = () => document.documentElement.dataset.theme ?? "";

function set(t) {
  if (t) document.documentElement.dataset.theme = t;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem(KEPT, t);
  dispatchEvent(new Event("theme"));
}

export const nextTheme = () => set(all[(all.indexOf(now()) + 1) % all.length]);

export function useTheme() {
  const [t, again] = useState(now());
  useEffect(() => {
    const changed = () => again(now());
    addEventListener("theme", changed);
    return () => removeEventListener("theme", changed);
  }, []);
  return t;
}

const kept = localStorage.getItem(KEPT);
if (all.includes(kept) && kept) document.documentElement.dataset.theme = kept;
