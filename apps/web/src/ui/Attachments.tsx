import { Download, FileText, ImageOff } from "lucide-react";
import { useEffect, useState } from "react";
import { isPicture } from "../core/summary";
import { bytes } from "../core/text";
import type { Attachment } from "../core/wire";
import { Dialog } from "./Dialog";
import { useChat } from "./hooks";

/** In pixels; a picture is drawn no larger, and its place is kept while it comes. */
const MOST_WIDTH = 340;
const MOST_HEIGHT = 320;

export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  const pictures = attachments.filter(isPicture);
  const files = attachments.filter((each) => !isPicture(each));
  return (
    <div className="attachments">
      {pictures.length > 0 && (
        <ul className={pictures.length > 1 ? "pictures several" : "pictures"} aria-label="Pictures">
          {pictures.map((each) => (
            <li key={each.attachment_id}>
              <Picture attachment={each} isAlone={pictures.length === 1} />
            </li>
          ))}
        </ul>
      )}
      {files.length > 0 && (
        <ul className="files" aria-label="Files">
          {files.map((each) => (
            <li key={each.attachment_id}>
              <FileLine attachment={each} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function size({ width, height }: Attachment): { width: number; height: number } {
  const [w, h] = [width ?? 1, height ?? 1];
  const scale = Math.min(1, MOST_WIDTH / w, MOST_HEIGHT / h);
  return { width: Math.max(48, Math.round(w * scale)), height: Math.max(48, Math.round(h * scale)) };
}

function Picture({ attachment, isAlone }: { attachment: Attachment; isAlone: boolean }) {
  const chat = useChat();
  const [isOpen, setOpen] = useState(false);
  const { url, isLost } = useFile(attachment, attachment.has_thumbnail ? "thumbnail" : "content");
  const place = size(attachment);
  return (
    <>
      <button
        type="button"
        className="picture"
        style={isAlone ? { width: place.width, aspectRatio: `${place.width} / ${place.height}` } : undefined}
        aria-label={`Show ${attachment.name}`}
        onClick={() => setOpen(true)}
      >
        {isLost ? <ImageOff /> : url && <img src={url} alt="" draggable={false} />}
      </button>
      {isOpen && (
        <Dialog title={attachment.name} onClose={() => setOpen(false)} wide>
          <Whole attachment={attachment} />
          <footer>
            <button
              type="button"
              onClick={() =>
                void chat.attempt(() => chat.files.save(attachment.attachment_id, attachment.name))
              }
            >
              <Download /> Download
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}

function Whole({ attachment }: { attachment: Attachment }) {
  const { url, isLost } = useFile(attachment, "content");
  const thumbnail = useFile(attachment, attachment.has_thumbnail ? "thumbnail" : "content").url;
  if (isLost) return <p className="empty">This picture is not there any more.</p>;
  return (
    <img
      className="whole"
      src={url ?? thumbnail ?? undefined}
      alt={attachment.name}
      width={attachment.width ?? undefined}
      height={attachment.height ?? undefined}
    />
  );
}

function FileLine({ attachment }: { attachment: Attachment }) {
  const chat = useChat();
  const [isBusy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    setBusy(true);
    await chat.attempt(() => chat.files.save(attachment.attachment_id, attachment.name));
    setBusy(false);
  };
  return (
    <button type="button" className="file" disabled={isBusy} onClick={() => void save()}>
      <span className="unseen">Download </span>
      <FileText />
      <span className="person-text">
        <span className="cut" dir="auto">
          {attachment.name}
        </span>
        <span className="file-size">{isBusy ? "Downloading…" : bytes(attachment.size)}</span>
      </span>
      <Download />
    </button>
  );
}

function useFile(
  { attachment_id: id }: Attachment,
  kind: "thumbnail" | "content",
): { url: string | null; isLost: boolean } {
  const { files } = useChat();
  const [file, setFile] = useState<{ url: string | null; isLost: boolean }>({ url: null, isLost: false });
  useEffect(() => {
    let isWanted = true;
    files.url(id, kind).then(
      (url) => isWanted && setFile({ url, isLost: false }),
      () => isWanted && setFile({ url: null, isLost: true }),
    );
    return () => {
      isWanted = false;
    };
  }, [files, id, kind]);
  return file;
}
