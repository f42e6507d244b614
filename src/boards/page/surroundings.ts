import type { HostContext } from './host.ts';
import type { McpHost } from './mcp-host.ts';

/** Only names that this page uses: nothing else that a client sends may change it. */
const VARIABLE = /^--(?:color|font|border)-[a-z0-9-]+$/;

/** Applies the client's colours, fonts and size, except for fonts that would have to be fetched. */
export function dress({ theme, styles, containerDimensions: box }: HostContext): void {
  const { documentElement: root } = document;
  if (theme === 'light' || theme === 'dark') root.dataset['theme'] = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {}))
    if (VARIABLE.test(name) && typeof value === 'string') root.style.setProperty(name, value);
  root.classList.toggle('fixed', box?.height !== undefined);
}

/** Tells the client whenever the size of the page has changed. */
export function tellSize(host: McpHost, body: HTMLElement): void {
  let last = '';
  new ResizeObserver(() => {
    const [width, height] = [innerWidth, Math.ceil(body.getBoundingClientRect().height)];
    if (last === `${width} ${height}`) return;
    last = `${width} ${height}`;
    host.sized(width, height);
  }).observe(body);
}

/** Reports whether the page is visible: its tab is in front, and it is not scrolled out of view. */
export function watchSeen(body: HTMLElement, report: (seen: boolean) => void): void {
  let inView = true;
  const tell = (): void => report(inView && !document.hidden);
  document.addEventListener('visibilitychange', tell);
  new IntersectionObserver((entries) => {
    inView = entries.at(-1)?.isIntersecting ?? true;
    tell();
  }).observe(body);
}
