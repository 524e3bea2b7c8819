import { Problem } from "./Problem";
import type { Pages } from "./pages";

interface Props {
  pages: Pick<Pages<unknown>, "items" | "more" | "work">;
  /** What is said of an empty list, where nothing else does. */
  empty?: string;
}

/** What follows a list that comes in pages. */
export function More({ pages, empty }: Props) {
  return (
    <>
      {empty && pages.items?.length === 0 && <p className="empty">{empty}</p>}
      <Problem work={pages.work} />
      {pages.more && (
        <button type="button" disabled={pages.work.busy} onClick={pages.more}>
          Show more
        </button>
      )}
    </>
  );
}
