// Before the tests with other people's clients: what they need, once.
import { CONFORMANCE, INSPECTOR, install } from './programs.ts';

export default function setup(): void {
  for (const program of [INSPECTOR, CONFORMANCE]) install(program);
}
