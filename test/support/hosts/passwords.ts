/** The password of a user of a broker of a test. */
export function passwordOf(user: string): string {
  return `sw0rd-${user}-77`;
}

/** A file for users, with what they must fill in. */
export function fillIn(text: string): string {
  return text.replaceAll(/PASSWORD-OF-([a-z0-9-]+)/g, (_, user: string) => passwordOf(user));
}
