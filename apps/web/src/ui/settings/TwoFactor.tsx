import { KeyRound, ShieldCheck, ShieldOff } from "lucide-react";
import { QRCodeSVG } from "qrcode.react";
import { useState, type FormEvent, type ReactNode } from "react";
import { grouped, recoveryFile } from "../../core/codes";
import {
  beginSecondFactor,
  confirmSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
  type Account,
  type Secret,
} from "../../store/account";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat } from "../hooks";
import { entered, useWork } from "../work";
import { Copy, Save } from "./Keep";
import { Problem } from "../Problem";

type Step =
  | { kind: "idle" }
  | { kind: "begin" }
  | { kind: "scan"; secret: Secret }
  | { kind: "codes"; codes: string[] }
  | { kind: "renew" }
  | { kind: "remove" };

interface Props {
  account: Account;
  onChange: (account: Account) => void;
}

/** A code of an authenticator besides the password. */
export function TwoFactor({ account, onChange }: Props) {
  const { api } = useChat();
  const [step, setStep] = useState<Step>({ kind: "idle" });
  const idle = (): void => setStep({ kind: "idle" });
  const isOn = account.second_factor;

  const show = (codes: string[]): void => {
    setStep({ kind: "codes", codes });
    onChange({ ...account, second_factor: true, recovery_codes_left: codes.length });
  };

  return (
    <section className="stack" aria-labelledby="two-factor">
      <header className="stack-head">
        <h3 id="two-factor">Two-factor login</h3>
        <span className={isOn ? "pill good" : "pill"}>{isOn ? "On" : "Off"}</span>
      </header>
      {step.kind === "idle" && !isOn && (
        <>
          <p className="lead">
            Whoever knows your password still needs a code from your phone. You need an authenticator app for
            it.
          </p>
          <button type="button" className="primary" onClick={() => setStep({ kind: "begin" })}>
            <ShieldCheck /> Turn on
          </button>
        </>
      )}
      {step.kind === "idle" && isOn && (
        <>
          <p className="lead">
            Each login needs a code of your authenticator. {left(account.recovery_codes_left)}
          </p>
          <div className="row">
            <button type="button" onClick={() => setStep({ kind: "renew" })}>
              <KeyRound /> New recovery codes
            </button>
            <button type="button" className="danger-text" onClick={() => setStep({ kind: "remove" })}>
              <ShieldOff /> Turn off
            </button>
          </div>
        </>
      )}
      {step.kind === "begin" && (
        <Proof
          action="Go on"
          onCancel={idle}
          onProve={async (password) =>
            setStep({ kind: "scan", secret: await beginSecondFactor(api, password) })
          }
        />
      )}
      {step.kind === "scan" && (
        <Scan
          secret={step.secret}
          onCancel={idle}
          onCode={async (code) => show(await confirmSecondFactor(api, code))}
        />
      )}
      {step.kind === "codes" && <RecoveryCodes codes={step.codes} email={account.email} onDone={idle} />}
      {step.kind === "renew" && (
        <Proof
          action="Make new codes"
          withCode
          onCancel={idle}
          onProve={async (password, code) => show(await renewRecoveryCodes(api, password, code))}
        >
          <p className="lead">The recovery codes that you have now are void then.</p>
        </Proof>
      )}
      {step.kind === "remove" && (
        <Proof
          action="Turn off"
          withCode
          onCancel={idle}
          onProve={async (password, code) => {
            await removeSecondFactor(api, password, code);
            onChange({ ...account, second_factor: false, recovery_codes_left: 0 });
            idle();
          }}
        >
          <p className="lead">The password alone is enough then.</p>
        </Proof>
      )}
    </section>
  );
}

function left(codes: number): string {
  if (!codes) return "No recovery code is left: make new ones.";
  return codes === 1 ? "One recovery code is left." : `${codes} recovery codes are left.`;
}

interface ProofProps {
  action: string;
  /** Besides the password. */
  withCode?: boolean;
  onCancel: () => void;
  onProve: (password: string, code: string) => Promise<void>;
  children?: ReactNode;
}

/** Asks again who it is: an open page alone may not change how the account is opened. */
function Proof({ action, withCode = false, onCancel, onProve, children }: ProofProps) {
  const work = useWork();
  const prove = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(() => onProve(text("password"), text("code").trim()));
  };
  return (
    <form className="stack" onSubmit={prove}>
      {children}
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
        asked
        problem={work.of("password")}
      />
      {withCode && (
        <Field
          label="Code"
          name="code"
          autoComplete="one-time-code"
          required
          hint="From your authenticator, or one of your recovery codes."
          problem={work.of("code")}
        />
      )}
      <Problem work={work} fields={["password", "code"]} />
      <FormFooter action={action} disabled={work.busy} onCancel={onCancel} />
    </form>
  );
}

interface ScanProps {
  secret: Secret;
  onCancel: () => void;
  onCode: (code: string) => Promise<void>;
}

function Scan({ secret, onCancel, onCode }: ScanProps) {
  const work = useWork();
  const confirm = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(() => onCode(text("code").trim()));
  };
  return (
    <form className="stack" onSubmit={confirm}>
      <p className="lead">Scan this with your authenticator, or type the key in. Then enter what it shows.</p>
      <div className="scan">
        <QRCodeSVG
          value={secret.uri}
          size={176}
          marginSize={4}
          role="img"
          title="QR code for your authenticator"
          className="qr"
        />
        <div className="stack">
          <div>
            <small id="secret">Key</small>
            <p className="secret" aria-labelledby="secret">
              {grouped(secret.secret)}
            </p>
          </div>
          <Copy text={secret.secret} label="Copy the key" />
        </div>
      </div>
      <Field
        label="Code"
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={7}
        required
        asked
        hint="Six digits."
        problem={work.of("code")}
      />
      <Problem work={work} fields={["code"]} />
      <FormFooter action="Confirm" disabled={work.busy} onCancel={onCancel} />
    </form>
  );
}

interface CodesProps {
  codes: readonly string[];
  email: string;
  onDone: () => void;
}

function RecoveryCodes({ codes, email, onDone }: CodesProps) {
  return (
    <div className="stack">
      <p className="callout" role="status">
        Keep these recovery codes in a safe place. They are not shown again. Each lets you in once when you do
        not have your authenticator.
      </p>
      <ul className="codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <footer>
        <Copy text={codes.join("\n")} label="Copy" />
        <Save
          text={() => recoveryFile(codes, email, new Date())}
          name="realchat-recovery-codes.txt"
          label="Download"
        />
        <button type="button" className="primary" onClick={onDone}>
          I have kept them
        </button>
      </footer>
    </div>
  );
}
