// Where the links of mails lead: `#verify=…`, `#change=…` and `#reset=…`.

const [purpose, token] = location.hash.slice(1).split("=");
history.replaceState(null, "", location.pathname); // so that what the link brings is not kept, nor passed on

const form = document.getElementById("confirm");
const what = document.getElementById("what");
const problem = form.querySelector(".problem");
const submit = form.querySelector(".primary");

const ACTIONS = {
  verify: { text: "Is this address yours?", button: "Confirm my address", done: "The address is confirmed." },
  change: { text: "Shall your account have this address?", button: "Confirm my new address", done: "Your account has the new address." },
  reset: { text: "Choose another password.", button: "Set my password", done: "You have another password. Log in with it." },
};

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
}

function begin(action) {
  what.textContent = action.text;
  submit.textContent = action.button;
  submit.hidden = false;
  const { password } = form.elements;
  document.getElementById("password-field").hidden = purpose !== "reset";
  password.required = purpose === "reset";
  // Only a press confirms: programs that look through mails open links, too.
  form.onsubmit = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.hidden = true;
    try {
      if (purpose === "reset") await send("/v1/auth/password-resets/confirm", { token, new_password: password.value });
      else await send("/v1/auth/email-confirmations", { token });
      what.textContent = action.done;
      submit.hidden = document.getElementById("password-field").hidden = true;
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  };
}

if (token && Object.hasOwn(ACTIONS, purpose)) begin(ACTIONS[purpose]);
else what.textContent = "This link is not whole. Copy all of it from the mail.";
