/** How the hosts reach each other. */
export const WAYS = ['mosquitto', 'ssh', 'nats', 'rabbitmq'] as const;
export type Way = (typeof WAYS)[number];
