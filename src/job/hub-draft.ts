export { draftEvent as hubDraft } from './event.ts';
