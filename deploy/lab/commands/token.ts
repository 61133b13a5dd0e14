import { boolean, duration, text } from '../../../shared/process/setting.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { CannotGoOn } from '../../step.ts'
import { joinCommand } from '../join-command.ts'
import { createToken, DAY, deleteToken, type ListedToken, listTokens } from '../joining/tokens.ts'
import { defineLabCommand } from '../lab-command.ts'
import { requireMachine } from '../machine/machine-record.ts'

/** Tokens that let machines join; kubeadm's formats, so that kubeadm and kubectl see the same. */
export const token = defineLabCommand({
  name: 'token',
  words: 'create|list|delete [ID]',
  summary: 'makes, lists and ends tokens that let machines join',
  settings: {
    ttl: duration('create: how long the token is good; 0 is for ever', DAY),
    description: text('create: what it is for', ''),
    quiet: boolean('create: print the token alone', false),
  },
  async act(config, context, [action, id]) {
    const machine = requireMachine('server')
    switch (action) {
      case 'create': {
        const made = await createToken({ description: config.description, lifetime: config.ttl }, context)
        return context.print(config.quiet ? made : joinCommand(machine, made))
      }
      case 'list':
        return context.print(table(await listTokens(context), context.clock.now()))
      case 'delete':
        if (id === undefined)
          throw new CannotGoOn('which token is to be deleted?', 'coxswain-lab token delete ID; token list shows the ids')
        await deleteToken(id, context)
        return context.print(`token ${id.slice(0, 6)} is no longer good`)
      default:
        throw new CannotGoOn(
          `what is to be done with tokens?${action === undefined ? '' : ` Not ${JSON.stringify(action)}.`}`,
          'coxswain-lab token create, list or delete',
        )
    }
  },
})

function table(tokens: readonly ListedToken[], now: number): string {
  const ends = (at: number | undefined) => (at === undefined ? 'never' : at <= now ? 'ended' : timestamp(at))
  const rows = [...tokens].sort((a, b) => (a.ends ?? Number.POSITIVE_INFINITY) - (b.ends ?? Number.POSITIVE_INFINITY))
  const line = (token: string, end: string, description: string) => `${token.padEnd(25)}${end.padEnd(22)}${description}`
  return [
    line('TOKEN', 'ENDS', 'DESCRIPTION'),
    ...rows.map((row) => line(`${row.id}.${row.secret}`, ends(row.ends), row.description)),
  ].join('\n')
}
