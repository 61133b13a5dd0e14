import { once } from 'node:events'
import { createServer } from 'node:net'
import { CannotGoOn } from '../../step.ts'

/**
 * Refuses to go on where somebody listens on a port already: said before the program is installed, not by a process that starts again and again.
 * @param wanted the setting that gives each port → the port
 * @throws CannotGoOn naming the port and the setting
 */
export async function requireFreePorts(wanted: Readonly<Record<string, number>>): Promise<void> {
  for (const [setting, port] of Object.entries(wanted)) {
    const server = createServer()
    try {
      server.listen(port, '0.0.0.0')
      await once(server, 'listening')
    } catch (error) {
      const why = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${error})`
      throw new CannotGoOn(`port ${port} of this machine ${why}`, `say another with ${setting}, or end what listens there: ss -ltnp`)
    } finally {
      server.close()
    }
  }
}
