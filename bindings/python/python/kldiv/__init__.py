"""kldiv."""

from ._errors import KLDivError
from ._kldiv import __version__
from ._measures import kl
