/**
 * Loads the services named on the command line, so that Node's compile cache holds their code when the image starts for the
 * first time. Loading starts nothing: only main.ts does.
 */
import { existsSync } from 'node:fs'
import { flushCompileCache } from 'node:module'

for (const service of process.argv.slice(2)) {
  for (const file of [`create-${service}.ts`, 'config.ts']) {
    const url = new URL(`../${service}/${file}`, import.meta.url)
    if (existsSync(url)) await import(url.href)
    else console.log(`warm: ${service}/${file} is not there; ${service} will compile at its first start`)
  }
}
flushCompileCache()
