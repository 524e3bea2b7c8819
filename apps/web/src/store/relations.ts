/** Contacts, requests and blocks, as the server has them: nobody tells of changes, so they are asked for. */

import type { Id } from "../core/wire";
import type { Api } from "../net/api";
import type { People } from "./people";

export interface Relation {
  user_id: Id;
  /** `outgoing`: this person has asked them; `incoming`: they have asked this person. */
  state: "none" | "outgoing" | "incoming" | "contact";
  blocked: boolean;
}

interface Page {
  relations: Relation[];
  next_cursor: string | null;
}

const PAGE = 200;

export class Relations {
  readonly #api: Api;
  readonly #people: People;
  readonly #changed: () => void;
  #known: ReadonlyMap<Id, Relation> = new Map();
  /** Counts reads and writes, in the order in which reads begin and writes end. */
  #clock = 0;
  /** When what is known was read. */
  #readAt = 0;
  readonly #writtenAt = new Map<Id, number>();

  constructor(api: Api, people: People, changed: () => void) {
    this.#api = api;
    this.#people = people;
    this.#changed = changed;
  }

  of(id: Id): Relation {
    return this.#known.get(id) ?? { user_id: id, state: "none", blocked: false };
  }

  all(fits: (relation: Relation) => boolean): Id[] {
    const ids = [...this.#known.values()].filter(fits).map((relation) => relation.user_id);
    return ids.toSorted((a, b) => this.#people.nameOf(a).localeCompare(this.#people.nameOf(b)));
  }

  /** All of them; what was written, or read anew, since this began stays. Throws ApiError. */
  async read(): Promise<void> {
    const began = ++this.#clock;
    const lists = await Promise.all([
      this.#list("/v1/contacts", "contact"),
      this.#list("/v1/contacts", "incoming"),
      this.#list("/v1/contacts", "outgoing"),
      this.#list("/v1/blocks"),
    ]);
    if (began < this.#readAt) return;
    this.#readAt = began;
    const known = new Map(lists.flat().map((relation) => [relation.user_id, relation]));
    for (const [id, at] of this.#writtenAt) if (at > began) known.set(id, this.of(id));
    this.#known = known;
    this.#changed();
    await this.#people.meet(this.#known.keys());
  }

  /** Asks somebody to be a contact, or accepts what they have asked. */
  ask = async (id: Id): Promise<void> => this.#keep(await this.#api.post("/v1/contacts", { user_id: id }));

  decline = async (id: Id): Promise<void> => this.#keep(await this.#api.post(`/v1/contacts/${id}/decline`));

  /** Ends being contacts, or takes a request back. */
  async remove(id: Id): Promise<void> {
    await this.#api.request("DELETE", `/v1/contacts/${id}`);
    this.#keep({ ...this.of(id), state: "none" });
  }

  block = async (id: Id): Promise<void> => this.#keep(await this.#api.post("/v1/blocks", { user_id: id }));

  async unblock(id: Id): Promise<void> {
    await this.#api.request("DELETE", `/v1/blocks/${id}`);
    this.#keep({ ...this.of(id), blocked: false });
  }

  #keep(relation: Relation): void {
    this.#known = new Map([...this.#known, [relation.user_id, relation]]);
    this.#writtenAt.set(relation.user_id, ++this.#clock);
    this.#changed();
  }

  async #list(path: string, state?: string): Promise<Relation[]> {
    const relations: Relation[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await this.#api.get<Page>(path, { state, cursor, limit: PAGE });
      relations.push(...page.relations);
      cursor = page.next_cursor;
    } while (cursor);
    return relations;
  }
}
