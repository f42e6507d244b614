type Child = Node | string;

/**
 * Makes an element. Texts become text nodes, whoever wrote them: nothing on this page is ever parsed as HTML.
 * @param attributes of the element; undefined ones are left out
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Makes a button. */
export function button(text: string, className: string, press: () => void): HTMLButtonElement {
  const made = el('button', { type: 'button', class: className }, text);
  made.addEventListener('click', press);
  return made;
}

/** Sets a text if it differs: an unchanged one is neither drawn nor read out again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
