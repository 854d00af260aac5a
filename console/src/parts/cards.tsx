// SPDX-License-Identifier: Apache-2.0
/** A table whose rows stand as cards on a narrow screen, each cell under its column's name. */
import { useEffect, useRef, type ComponentProps } from "react";

export function CardTable({ className = "", ...rest }: ComponentProps<"table">) {
  const table = useRef<HTMLTableElement>(null);
  // The names stand in the head alone; each cell is told its own, for the style sheet to show.
  useEffect(() => {
    const names = [...table.current!.querySelectorAll("thead th")].map((head) => head.textContent ?? "");
    table.current!.querySelectorAll("tbody tr").forEach((row) => {
      let at = 0;
      for (const cell of row.children as Iterable<HTMLTableCellElement>) {
        cell.dataset.label = cell.colSpan > 1 ? "" : names[at];
        at += cell.colSpan;
      }
    });
  });
  return <table ref={table} className={`plain cards ${className}`} {...rest} />;
}
