import { expect, test } from "vitest";
import type { Presence } from "../src/core/wire";
import { ApiError, OFFLINE } from "../src/net/problem";
import { Company } from "../src/store/company";

const online = (id: string): Presence => ({ user_id: id, status: "online", last_seen_at: null });

/** A socket that answers when it is told to. */
class Socket {
  isUp = true;
  readonly asked: string[][] = [];
  #answer: ((how: "well" | "badly") => void) | null = null;

  watch(ids: readonly string[]): Promise<Presence[]> {
    this.asked.push([...ids]);
    return new Promise((resolve, reject) => {
      this.#answer = (how) => (how === "well" ? resolve(ids.map(online)) : reject(new ApiError(OFFLINE)));
    });
  }

  async answers(how: "well" | "badly" = "well"): Promise<void> {
    this.#answer?.(how);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function begin(): { socket: Socket; company: Company; around: string[]; seen: string[] } {
  const socket = new Socket();
  const around = ["bob", "carol", "bob"];
  const seen: string[] = [];
  const company = new Company(
    socket,
    () => around,
    (presences) => seen.push(...presences.map((each) => each.user_id)),
  );
  return { socket, company, around, seen };
}

test("who is around is watched once, and anew on a new connection", async () => {
  const { socket, company, seen } = begin();
  company.begin();
  await socket.answers();
  await company.look();
  expect(socket.asked).toEqual([["bob", "carol"]]);
  expect(seen).toEqual(["bob", "carol"]);
  company.begin();
  expect(socket.asked).toHaveLength(2);
});

test("whoever comes while the server is asked is watched after its answer", async () => {
  const { socket, company, around } = begin();
  company.begin();
  around.push("dave");
  void company.look();
  void company.look();
  expect(socket.asked).toHaveLength(1);
  await socket.answers();
  expect(socket.asked[1]).toEqual(["bob", "carol", "dave"]);
  await socket.answers();
  expect(socket.asked).toHaveLength(2);
});

test("what failed is asked again with the next change, and nothing without a connection", async () => {
  const { socket, company } = begin();
  company.begin();
  await socket.answers("badly");
  void company.look();
  expect(socket.asked).toHaveLength(2);
  await socket.answers();
  socket.isUp = false;
  company.begin();
  expect(socket.asked).toHaveLength(2);
});
