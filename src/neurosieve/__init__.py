"""Which neurons of a language model carry a property, how few suffice, where they sit, and how sure we are.

Public names are loaded when first used, so that ``import neurosieve`` is instant. Which there are, and where they live,
stands in ``__init__.pyi``, from which type checkers, editors and this file read it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
