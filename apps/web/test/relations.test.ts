import { expect, test } from "vitest";
import type { Api } from "../src/net/api";
import type { People } from "../src/store/people";
import { Relations, type Relation } from "../src/store/relations";

const of = (id: string, blocked: boolean): Relation => ({ user_id: id, state: "none", blocked });

/** Relations whose reads answer when they are told to, each with who was blocked when it began. */
function begin(): { relations: Relations; blocked: Set<string>; answer: (read?: number) => Promise<void> } {
  const blocked = new Set<string>();
  const waiting: (() => void)[] = [];
  const api = {
    get: async (path: string): Promise<unknown> => {
      const page = { relations: [...blocked].map((id) => of(id, true)), next_cursor: null };
      if (path !== "/v1/blocks") return { relations: [], next_cursor: null };
      await new Promise<void>((resolve) => waiting.push(resolve));
      return page;
    },
    post: async (_: string, { user_id: id }: { user_id: string }): Promise<Relation> => {
      blocked.add(id);
      return of(id, true);
    },
    request: async (_: string, path: string): Promise<void> => {
      blocked.delete(path.slice("/v1/blocks/".length));
    },
  };
  const people = { meet: async () => undefined, nameOf: (id: string) => id };
  const relations = new Relations(api as unknown as Api, people as unknown as People, () => undefined);
  const answer = async (read = 0): Promise<void> => {
    waiting.splice(read, 1)[0]?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { relations, blocked, answer };
}

test("a read that began before a write does not undo it", async () => {
  const { relations, blocked, answer } = begin();
  blocked.add("bob").add("carol");
  const reading = relations.read();
  await relations.unblock("bob");
  await relations.block("dave");
  await answer();
  await reading;
  expect(relations.all((each) => each.blocked)).toEqual(["carol", "dave"]);
});

test("a read that began after a write knows better", async () => {
  const { relations, blocked, answer } = begin();
  await relations.block("bob");
  blocked.delete("bob"); // on another device
  const reading = relations.read();
  await answer();
  await reading;
  expect(relations.of("bob").blocked).toBe(false);
});

test("of two reads the one that began last counts", async () => {
  const { relations, blocked, answer } = begin();
  blocked.add("bob");
  const first = relations.read();
  blocked.delete("bob");
  const second = relations.read();
  await answer(1);
  await answer(0);
  await Promise.all([first, second]);
  expect(relations.of("bob").blocked).toBe(false);
});
