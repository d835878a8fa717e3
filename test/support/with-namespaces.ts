import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'

/** In the REST protocol a table needs a namespace that was made before, as the `Catalog` of users does. */
export function withNamespaces(catalog: CatalogBackend): CatalogBackend {
  const ensure = async (namespace: readonly string[]): Promise<void> => {
    for (let depth = 1; depth <= namespace.length; depth++) {
      const level = namespace.slice(0, depth)
      if (!(await catalog.namespaceExists(level))) await catalog.createNamespace(level).catch(() => undefined)
    }
  }
  const createTable: CatalogBackend['createTable'] = async (identifier, creation) => {
    await ensure(identifier.namespace)
    return catalog.createTable(identifier, creation)
  }
  const renameTable: CatalogBackend['renameTable'] = async (from, to) => {
    await ensure(to.namespace)
    await catalog.renameTable(from, to)
  }
  return new Proxy(catalog, {
    get: (target, name) => {
      if (name === 'createTable') return createTable
      if (name === 'renameTable') return renameTable
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}
