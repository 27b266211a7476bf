import { memo } from "react";
import type { Row } from "../../layout/blocks";
import { BlockView } from "./BlockView";
import { RunRow } from "./RunRow";
import { Summary } from "./Summary";

export const RowView = memo(function RowView({ row }: { row: Row }) {
  switch (row.kind) {
    case "block":
      return <BlockView block={row.block} />;
    case "run":
      return <RunRow id={row.run} />;
    case "summary":
      return <Summary id={row.run} />;
  }
});
