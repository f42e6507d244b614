import { decisionCommand } from './jobs/decision-command.ts';

export default decisionCommand('allow');
