import type { Host, HostContext } from './host.ts';

/** Only names that this page uses: the rest of what a client sends has nothing to change here. */
const VARIABLE = /^--(?:color|font|border)-[a-z0-9-]+$/;

/** Takes the client's colours, fonts and size. Fonts that would have to be fetched are left out. */
export function dress({ theme, styles, containerDimensions: box }: HostContext): void {
  const { documentElement: root } = document;
  if (theme === 'light' || theme === 'dark') root.dataset['theme'] = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {}))
    if (VARIABLE.test(name) && typeof value === 'string') root.style.setProperty(name, value);
  root.classList.toggle('fixed', box?.height !== undefined);
}

/** Reports to the client whenever the page has become higher or lower. */
export function tellSize(host: Host, body: HTMLElement): void {
  let last = '';
  new ResizeObserver(() => {
    const [width, height] = [innerWidth, Math.ceil(body.getBoundingClientRect().height)];
    if (last === `${width} ${height}`) return;
    last = `${width} ${height}`;
    host.sized(width, height);
  }).observe(body);
}

/** Reports whether the page can be seen: its tab is in front, and it is not scrolled away. */
export function watchSeen(body: HTMLElement, report: (seen: boolean) => void): void {
  let inView = true;
  const tell = (): void => report(inView && !document.hidden);
  document.addEventListener('visibilitychange', tell);
  new IntersectionObserver((entries) => {
    inView = entries.at(-1)?.isIntersecting ?? true;
    tell();
  }).observe(body);
}
