// A client that can draw, as a page: the official host side of MCP Apps around an iframe.
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';

type Context = Parameters<AppBridge['setHostContext']>[0];

/** What the test offers to this page, and what this page offers to the test. */
declare global {
  interface Window {
    /** Calls a tool of the real server. Returns its answer, or the client's error. */
    callTool(
      name: string,
      args: Record<string, unknown>,
    ): Promise<{ result?: CallToolResult; lost?: string }>;
    /** Shows a board, as the answer of `list_jobs` does. */
    openBoard(url: string, options: OpenOptions): Promise<void>;
    changeContext(context: Context): void;
    endBoard(): Promise<unknown>;
  }
}

export interface OpenOptions {
  context: Context;
  args: Record<string, unknown>;
  result: CallToolResult;
  /** False for a client that does not pass calls on. */
  calls: boolean;
}

let bridge: AppBridge;
let context: Context;

window.openBoard = async (url, { context: given, args, result, calls }) => {
  context = given;
  const frame = document.createElement('iframe');
  frame.sandbox.add('allow-scripts');
  frame.style.cssText = 'width:100%;height:60px;border:0;display:block';
  document.body.replaceChildren(frame);
  const inside = frame.contentWindow;
  if (inside === null) throw new Error('no frame');
  const capabilities = calls ? { serverTools: {}, logging: {} } : { logging: {} };
  bridge = new AppBridge(null, { name: 'drawing-client', version: '1' }, capabilities, {
    hostContext: context,
  });
  bridge.oncalltool = async ({ name, arguments: sent = {} }) => {
    const { result: answer, lost } = await window.callTool(name, sent);
    if (answer === undefined) throw new Error(lost);
    return answer;
  };
  bridge.onsizechange = ({ height }) => {
    if (height !== undefined) frame.style.height = `${height}px`;
  };
  bridge.onrequestdisplaymode = async ({ mode }) => {
    window.changeContext({ ...context, displayMode: mode });
    return { mode };
  };
  const ready = new Promise<void>((resolve) => {
    bridge.oninitialized = () => resolve();
  });
  await bridge.connect(new PostMessageTransport(inside, inside));
  frame.src = url;
  await ready;
  await bridge.sendToolInput({ arguments: args });
  await bridge.sendToolResult(result);
};

window.changeContext = (next) => {
  context = next;
  bridge.setHostContext(next);
};
window.endBoard = () => bridge.teardownResource({});
