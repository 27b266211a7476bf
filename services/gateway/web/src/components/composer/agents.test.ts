import { expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import { View } from "../../store/view";
import { nowOf } from "../shell/activity";
import { agentAsked } from "./agents";

const agents = (...names: string[]) => ({
  agents: names.map((name) => ({ name, description: "" })),
  default: "assistant",
});
const known = agents("assistant", "team", "tour");

test("a new conversation asks whom the person chose last, else the default", () => {
  expect(agentAsked({ known, chosen: "", chosenIn: {} }, "", "")).toBe("assistant");
  expect(agentAsked({ known, chosen: "tour", chosenIn: {} }, "", "")).toBe("tour");
});

test("a conversation asks whom it asked last, whatever was chosen in another one", () => {
  expect(agentAsked({ known, chosen: "tour", chosenIn: { other: "tour" } }, "c", "team")).toBe("team");
});

test("what the person chooses for a conversation holds in it", () => {
  expect(agentAsked({ known, chosen: "tour", chosenIn: { c: "tour" } }, "c", "team")).toBe("tour");
});

test("one that no worker has any more is not asked", () => {
  expect(agentAsked({ known: agents("assistant"), chosen: "tour", chosenIn: { c: "tour" } }, "c", "team")).toBe(
    "assistant",
  );
  expect(agentAsked({ known: null, chosen: "tour", chosenIn: {} }, "c", "team")).toBe("team"); // not known yet
});

test("whom a conversation asked last is the agent of its newest run", () => {
  const runs = [
    { id: "r", agent: "team", status: "completed" as const },
    { id: "s", agent: "tour", status: "completed" as const },
  ];
  expect(nowOf(new View(new Fold({ conversation: "c", runs }))).agent).toBe("tour");
  expect(nowOf(new View(new Fold({ conversation: "c" }))).agent).toBe("");
});
