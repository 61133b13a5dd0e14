import type { ImageInfo, ImageInspectInfo } from 'dockerode'
import { parseImageReference } from '../../images/image-reference.ts'
import { type ContainerRuntime, type ImageStatus, type RegistryCredentials, RuntimeError } from '../container-runtime.ts'
import { type DockerClient, DockerError, isMissing } from './docker-client.ts'
import { jsonLines } from './docker-streams.ts'

type Images = Pick<ContainerRuntime, 'listImages' | 'imageStatus' | 'pullImage' | 'removeImage'>

/** Images in the engine's store. */
export function dockerImages(docker: DockerClient): Images {
  async function imageStatus(reference: string, signal: AbortSignal): Promise<ImageStatus | undefined> {
    // What is no name would be another path of the engine's API.
    if (!parseImageReference(reference)) return undefined
    try {
      const image = await docker.call<ImageInspectInfo>('GET', `/images/${encodeURI(reference)}/json`, { signal })
      return { id: image.Id, tags: image.RepoTags ?? [], digests: image.RepoDigests ?? [], sizeBytes: image.Size, user: image.Config.User }
    } catch (error) {
      // 400: not a reference at all, so certainly not here.
      if (isMissing(error) || (error instanceof DockerError && error.statusCode === 400)) return undefined
      throw error
    }
  }

  async function pullImage(reference: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<ImageStatus> {
    const parsed = parseImageReference(reference)
    if (!parsed)
      throw new RuntimeError(
        'InvalidImageName',
        `Failed to apply default image tag ${JSON.stringify(reference)}: couldn't parse image name`,
      )
    const authconfig = credentials && {
      username: credentials.username,
      password: credentials.password,
      serveraddress: credentials.serverAddress,
    }
    const query = { fromImage: parsed.repository, tag: parsed.digest ?? parsed.tag ?? 'latest' }
    try {
      const progress = await docker.stream('POST', '/images/create', { query, signal, authconfig })
      // The engine reports failures after it has answered 200: as a line of the progress.
      for await (const line of jsonLines(progress, signal)) {
        if (typeof line === 'object' && line !== null && 'error' in line) throw new DockerError(String(line.error), undefined)
      }
    } catch (error) {
      if (!(error instanceof DockerError)) throw error
      throw new RuntimeError(error.statusCode === 400 ? 'InvalidImageName' : 'ErrImagePull', error.message, { cause: error })
    }
    const image = await imageStatus(reference, signal)
    if (!image) throw new RuntimeError('ErrImagePull', `the engine pulled ${reference} but does not have it`)
    return image
  }

  return {
    imageStatus,
    pullImage,
    async listImages(signal) {
      const images = await docker.call<ImageInfo[]>('GET', '/images/json', { signal })
      const real = (names: string[] | null | undefined) => (names ?? []).filter((name) => !name.startsWith('<none>'))
      return images.map((image) => ({
        id: image.Id,
        tags: real(image.RepoTags),
        digests: real(image.RepoDigests),
        sizeBytes: image.Size,
      }))
    },
    async removeImage(id, signal) {
      try {
        await docker.call('DELETE', `/images/${encodeURI(id)}`, { query: { force: true }, signal })
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    },
  }
}
