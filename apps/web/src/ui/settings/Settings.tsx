import { Bot, Database, Eye, MonitorSmartphone, Shield, ShieldCheck, UserRound } from "lucide-react";
import { useCallback, useState } from "react";
import { readAccount } from "../../store/account";
import { Dialog } from "../Dialog";
import { useChat } from "../hooks";
import { Problem } from "../Problem";
import { Sections } from "../Sections";
import type { Tab } from "../Tabs";
import { useLoaded } from "../work";
import { Email, Password, Reminders } from "./Access";
import { Bots } from "./Bots";
import { Devices } from "./Devices";
import { PrivacyForm } from "./PrivacyForm";
import { ProfileForm } from "./ProfileForm";
import { TwoFactor } from "./TwoFactor";
import { YourData } from "./YourData";

type Part = "profile" | "privacy" | "security" | "devices" | "bots" | "data";

const PARTS: readonly Tab<Part>[] = [
  { id: "profile", label: "Profile", icon: <UserRound /> },
  { id: "privacy", label: "Privacy", icon: <Eye /> },
  { id: "security", label: "Security", icon: <ShieldCheck /> },
  { id: "devices", label: "Devices", icon: <MonitorSmartphone /> },
  { id: "bots", label: "Bots", icon: <Bot /> },
  { id: "data", label: "Your data", icon: <Database /> },
];

interface Props {
  onClose: () => void;
  onLogOut: () => void;
  /** Deletes the account. Throws ApiError. */
  onErase: (password: string) => Promise<void>;
  onAdminister: () => void;
}

export function Settings({ onClose, onLogOut, onErase, onAdminister }: Props) {
  const { api } = useChat();
  const [part, setPart] = useState<Part>("profile");
  const { value: account, work: loading, set } = useLoaded(useCallback(() => readAccount(api), [api]));

  return (
    <Dialog title="Settings" onClose={onClose} wide>
      <Sections
        label="Settings"
        tabs={PARTS}
        selected={part}
        onSelect={setPart}
        aside={
          account?.admin && (
            <button type="button" onClick={onAdminister}>
              <Shield /> Administration
            </button>
          )
        }
      >
        {part === "profile" && <ProfileForm onDone={onClose} onLogOut={onLogOut} />}
        {part === "privacy" && <PrivacyForm />}
        {part === "devices" && <Devices />}
        {part === "bots" && <Bots />}
        {part === "data" && <YourData onErase={onErase} />}
        {part === "security" && account && (
          <>
            <Email account={account} />
            <Reminders account={account} onChange={set} />
            <Password />
            <TwoFactor account={account} onChange={set} />
          </>
        )}
        {part === "security" && <Problem work={loading} />}
      </Sections>
    </Dialog>
  );
}
