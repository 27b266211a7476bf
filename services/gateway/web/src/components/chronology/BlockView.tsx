import { type ComponentType, memo, type ReactNode } from "react";
import type { Item } from "../../fold/fold";
import type { Block } from "../../layout/blocks";
import { useView } from "../../store/hooks";
import { AgentPanel } from "./AgentPanel";
import { Interrupt } from "./Interrupt";
import { Message } from "./Message";
import { Parked } from "./Parked";
import { ArtifactChip, LogLine, Plan, Source, State, Step } from "./Parts";
import { Reasoning } from "./Reasoning";
import { estimateBlock } from "./rows";
import { ToolCard } from "./ToolCard";

const BY_TYPE: Partial<Record<Item["type"], ComponentType<{ id: string }>>> = {
  message: Message,
  reasoning: Reasoning,
  step: Step,
  plan: Plan,
  source: Source,
  log: LogLine,
  state: State,
  artifact: ArtifactChip,
  interrupt: Interrupt,
};

/** A block and what stands in it. A block keeps its identity until something comes or goes in it. */
export const BlockView = memo(function BlockView({ block }: { block: Block }): ReactNode {
  const view = useView();
  switch (block.kind) {
    case "panel":
      return <AgentPanel panel={block}>{() => <Blocks blocks={block.blocks} />}</AgentPanel>;
    case "tool":
      return <ToolCard id={block.id}>{block.blocks.length > 0 && <Blocks blocks={block.blocks} />}</ToolCard>;
    case "item": {
      const type = view.item(block.id)?.type;
      const Drawn = type && BY_TYPE[type];
      return Drawn ? <Drawn id={block.id} /> : null;
    }
  }
});

/** Blocks that come to and leave the page together. */
const TOGETHER = 4;
/** A list of so many blocks stays on the page as a whole. */
const WHOLE = 12;

function Blocks({ blocks }: { blocks: readonly Block[] }) {
  const view = useView();
  const parts: readonly Block[][] = Array.from({ length: Math.ceil(blocks.length / TOGETHER) }, (_, at) =>
    blocks.slice(at * TOGETHER, (at + 1) * TOGETHER),
  );
  return parts.map((part, at) => (
    <Parked
      key={part[0]?.key}
      last={blocks.length <= WHOLE || at === parts.length - 1}
      height={() => part.reduce((sum, block) => sum + estimateBlock(block, (id) => view.fold.items.get(id)), 0)}
      keys={() => part.map(({ key }) => key).join(" ")}
    >
      {() => part.map((block) => <BlockView key={block.key} block={block} />)}
    </Parked>
  ));
}
