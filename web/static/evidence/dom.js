/** Making elements. Text goes in as text, never as HTML. */

/** Return an element with attributes and children (elements or strings). */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}
