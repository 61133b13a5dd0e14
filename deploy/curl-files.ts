import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { credentialsOf } from './cluster-connection.ts'

/** Where the files for curl lie: beside the kubeconfig, `.cluster/curl/` by default. */
export function curlFolder(kubeconfig: string): string {
  return basename(kubeconfig) === 'kubeconfig' ? join(dirname(kubeconfig), 'curl') : `${kubeconfig}.curl`
}

/** Writes the administrator's credentials as files, and a `config` that names them: `curl -K .cluster/curl/config https://…`. */
export function writeCurlFiles(kubeconfig: string, text: string): void {
  const folder = resolve(curlFolder(kubeconfig))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { ca, cert, key } = credentialsOf(text)
  const write = (name: string, content: Buffer | string) => writeFileSync(join(folder, name), content, { mode: 0o600 })
  write('ca.crt', ca)
  write('admin.crt', cert)
  write('admin.key', key)
  const line = (option: string, name: string) => `${option} = ${JSON.stringify(join(folder, name))}\n`
  write('config', `silent\nshow-error\n${line('cacert', 'ca.crt')}${line('cert', 'admin.crt')}${line('key', 'admin.key')}`)
}

export function removeCurlFiles(kubeconfig: string): void {
  rmSync(curlFolder(kubeconfig), { recursive: true, force: true })
}
