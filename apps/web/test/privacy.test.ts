import { expect, test } from "vitest";
import type { Api } from "../src/net/api";
import { changePrivacy, type Privacy } from "../src/store/privacy";

const BEFORE: Privacy = {
  last_seen: "everyone",
  read_receipts: "everyone",
  direct_messages: "contacts",
  group_invitations: "everyone",
};

/** A server whose settings another device has changed since, and what it was asked. */
function begin(): { api: Api; asked: unknown[] } {
  const now: Privacy = { ...BEFORE, group_invitations: "nobody" };
  const asked: unknown[] = [];
  const api = {
    request: async (method: string, path: string, { body }: { body: Partial<Privacy> }): Promise<Privacy> => {
      asked.push([method, path, body]);
      return { ...now, ...body };
    },
  };
  return { api: api as unknown as Api, asked };
}

test("what was not touched stays as another device has settled it", async () => {
  const { api, asked } = begin();
  const wanted: Privacy = { ...BEFORE, last_seen: "nobody", direct_messages: "everyone" };
  expect(await changePrivacy(api, BEFORE, wanted)).toEqual({ ...wanted, group_invitations: "nobody" });
  expect(asked).toEqual([["PATCH", "/v1/me/privacy", { last_seen: "nobody", direct_messages: "everyone" }]]);
});

test("nothing is asked where nothing is changed", async () => {
  const { api, asked } = begin();
  expect(await changePrivacy(api, BEFORE, { ...BEFORE })).toEqual(BEFORE);
  expect(asked).toEqual([]);
});
