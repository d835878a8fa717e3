import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { describeCatalog } from '../conformance/catalog.js'

describeCatalog('MemoryCatalog', () => ({ catalog: new MemoryCatalog() }))
