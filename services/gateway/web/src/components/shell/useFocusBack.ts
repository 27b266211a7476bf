import { useEffect, useState } from "react";

/** What had the focus when the component came has it again when the component goes and takes the focus with it. */
export function useFocusBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    },
    [before],
  );
}
