// The page's parts. Text gets in as text only.

export const $ = (id) => document.getElementById(id);

/** An element; `props` are its properties, `children` elements or texts. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  const { dataset, aria, ...rest } = props;
  Object.assign(element, rest);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${name}`, value);
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * Makes a list show some items, and touches only what differs.
 * `key(item)` names an item; `look(item)` is a text that changes when it has to be drawn anew; `draw(item)` draws it.
 */
export function show(list, items, key, look, draw) {
  const drawn = new Map([...list.children].map((element) => [element.dataset.key, element]));
  let place = list.firstElementChild;
  for (const item of items) {
    let element = drawn.get(key(item));
    drawn.delete(key(item));
    if (element?.dataset.look !== look(item)) {
      const fresh = draw(item);
      fresh.dataset.key = key(item);
      fresh.dataset.look = look(item);
      if (element) {
        if (place === element) place = fresh;
        element.replaceWith(fresh);
      }
      element = fresh;
    }
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  for (const element of drawn.values()) element.remove();
}

const HUES = 24;

/** A round picture with somebody's initials, in a colour of their own. */
export function avatar(id, name, { small = false, here = false } = {}) {
  const initials = [...name.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)].slice(0, 2).join("").toUpperCase();
  const element = h("span", { className: "avatar", aria: { hidden: "true" } }, initials || "?");
  element.classList.toggle("small", small);
  element.classList.toggle("here", here);
  const hue = ([...id].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) >>> 0, 7) % HUES) * (360 / HUES);
  element.style.backgroundColor = `hsl(${hue} 55% 42%)`;
  return element;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const timeOf = (at) => clock.format(new Date(at));
export const dayOf = (at) => calendar.format(new Date(at));

/** The time today, else the day. */
export function shortly(at) {
  return dayOf(at) === dayOf(Date.now()) ? timeOf(at) : short.format(new Date(at));
}
