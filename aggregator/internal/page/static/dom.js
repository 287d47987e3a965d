// Small writes to the document that touch only what changed.

export const el = (id) => document.getElementById(id);

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// figure writes {n, u} as a number and its unit, each in its own element. With
// a reason instead of a number it writes the reason, as words.
export function figure(node, { n, u }, reason) {
  if (!node.firstElementChild) node.append(make("span", "n"), make("span", "u"));
  const [number, unit] = node.children;
  const absent = reason !== undefined;
  node.classList.toggle("absent", absent);
  write(number, absent ? reason : n);
  write(unit, absent ? "" : u);
}

// rows makes parent hold exactly length children and returns them.
export function rows(parent, length, create) {
  while (parent.children.length > length) parent.lastElementChild.remove();
  while (parent.children.length < length) parent.append(create());
  return parent.children;
}

// color resolves a custom property to what the canvas understands.
export function color(name) {
  const probe = make("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

// Tip is the one floating box of figures.
export class Tip {
  constructor(node) {
    this.node = node;
  }

  // at shows lines [[label, value, swatch?], …] under title, beside the point.
  at(x, y, title, lines) {
    const { node } = this;
    node.replaceChildren(make("b", "", title));
    for (const [label, value, swatch] of lines) {
      const row = make("p");
      const name = make("span", "", label);
      if (swatch) name.prepend(make("i", `swatch ${swatch}`));
      row.append(name, make("span", "v", value));
      node.append(row);
    }
    node.hidden = false;
    const box = node.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
    const top = y + 14 + box.height > innerHeight ? y - 14 - box.height : y + 14;
    node.style.transform = `translate(${Math.max(4, Math.round(left))}px, ${Math.max(4, Math.round(top))}px)`;
  }

  hide() {
    this.node.hidden = true;
  }
}
