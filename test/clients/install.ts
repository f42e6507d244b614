// Runs once before the tests with third-party clients, and installs what they need.
import { CONFORMANCE, INSPECTOR, install } from './programs.ts';

export default function setup(): void {
  for (const program of [INSPECTOR, CONFORMANCE]) install(program);
}
