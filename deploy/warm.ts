/**
 * Loads the services named on the command line, what runs them, and files that a service loads only when it needs them, so that Node's compile
 * cache holds their code when the image starts for the first time. Loading starts nothing: only main does. Runs in the image, on the
 * JavaScript that strip-types.ts made.
 */
import { flushCompileCache } from 'node:module'

for (const name of process.argv.slice(2)) {
  for (const file of name.endsWith('.js') ? [name] : [`${name}/create-${name}.js`, `${name}/config.js`, 'shared/process/run.js']) {
    await import(new URL(`../${file}`, import.meta.url).href)
  }
}
flushCompileCache()
