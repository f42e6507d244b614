export function callOf(tool: string, args: Record<string, unknown>): string {
  return `Call ${tool} with ${JSON.stringify(args)}.`;
}
