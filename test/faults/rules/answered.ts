import { isOurs, type Rule, said } from './rule.ts';

/** A living process answers in time, and with our own messages: no internal error, no stack. */
export const answered: Rule = ({ told }) =>
  told.filter(isOurs).flatMap((one) => {
    if (one.outcome === 'lost')
      return one.words?.startsWith('no answer') === true ? [`${said(one)}: ${one.words}`] : [];
    const strange =
      /\n {4}at |internal error|TypeError|ReferenceError|undefined is not|Unexpected token/i.exec(
        one.words ?? '',
      );
    return strange === null ? [] : [`${said(one)} was told: ${(one.words ?? '').slice(0, 300)}`];
  });
