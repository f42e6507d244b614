/** Time of day on this machine, such as `14:03:07.250`. @param iso ISO 8601 */
export function timeOfDay(iso: string): string {
  const at = new Date(iso);
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** Day and minute on this machine, such as `2026-11-22 14:03`. @param iso ISO 8601 */
export function dayAndTime(iso: string): string {
  const at = new Date(iso);
  const [year, month, day, hour, minute] = [
    ...[at.getFullYear(), at.getMonth() + 1, at.getDate()],
    ...[at.getHours(), at.getMinutes()],
  ].map((part) => String(part).padStart(2, '0'));
  // Without toTimeString, which loads the names of time zones.
  return `${year}-${month}-${day} ${hour}:${minute}`;
}

/** The day on this machine with its name, such as `Sunday, 2026-11-22`. @param iso ISO 8601 */
export function dayOf(iso: string): string {
  const name = new Date(iso).toLocaleDateString('en', { weekday: 'long' });
  return `${name}, ${dayAndTime(iso).slice(0, -6)}`;
}

/** A size for people, such as `12.3 KB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let size = bytes / 1024;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)} ${units[unit]}`;
}
