import { randomInt } from 'node:crypto'

/** A bootstrap token, written `<id>.<secret>`: what a new node shows before it has a certificate (kubeadm's format). */
export interface BootstrapToken {
  /** Public: the name of its Secret. */
  readonly id: string
  readonly secret: string
}

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

/** Splits `<id>.<secret>`; undefined for anything that is no bootstrap token. */
export function parseBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** From the operating system's generator: this is a secret, never from the replayable one. */
export function makeBootstrapToken(): BootstrapToken {
  return { id: randomCharacters(6), secret: randomCharacters(16) }
}

/** What the token's Secret says besides id and secret. */
export interface BootstrapTokenText {
  readonly description: string
  /** RFC 3339; absent: it never ends. */
  readonly expiration?: string | undefined
}

/** The group that kubeadm's tokens add. */
const NODE_TOKENS = 'system:bootstrappers:kubeadm:default-node-token'

/** The Secret that makes a token worth something (type and keys are upstream's; namespace `kube-system`). */
export function bootstrapTokenSecret({ id, secret }: BootstrapToken, { description, expiration }: BootstrapTokenText) {
  const fields = {
    description,
    'token-id': id,
    'token-secret': secret,
    ...(expiration === undefined ? {} : { expiration }),
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': NODE_TOKENS,
  }
  const data = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
  return { metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data }
}

function randomCharacters(length: number): string {
  return Array.from({ length }, () => '0123456789abcdefghijklmnopqrstuvwxyz'[randomInt(36)]).join('')
}
