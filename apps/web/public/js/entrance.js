// Logging in and registering.

import { $ } from "./dom.js";

/** Shows the form until somebody is in; then calls `entered`. */
export function entrance(api, entered) {
  const form = $("login");
  const problem = form.querySelector(".problem");
  const submit = form.querySelector(".primary");
  let registering = false;

  function choose(register) {
    registering = register;
    $("tab-login").setAttribute("aria-selected", String(!register));
    $("tab-register").setAttribute("aria-selected", String(register));
    $("name-field").hidden = !register;
    form.elements.password.autocomplete = register ? "new-password" : "current-password";
    submit.textContent = register ? "Register" : "Log in";
    problem.hidden = true;
  }

  $("tab-login").onclick = () => choose(false);
  $("tab-register").onclick = () => choose(true);

  form.onsubmit = async (event) => {
    event.preventDefault();
    const { email, password, display_name: name } = form.elements;
    const fields = { email: email.value.trim(), password: password.value };
    if (registering) fields.display_name = name.value.trim();
    submit.disabled = true;
    problem.hidden = true;
    try {
      await api.logIn(registering ? "/v1/auth/register" : "/v1/auth/login", fields);
      form.reset();
      await entered();
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  };

  choose(false);
}

function explain({ code, message, field, retry_after: seconds }) {
  if (code === "rate_limited" || code === "locked_out") return `Too many attempts. Try again in ${Math.ceil(seconds ?? 60)} seconds.`;
  if (code === "invalid_argument" && field) return `${field.replace("_", " ")}: ${message}.`;
  return message;
}
