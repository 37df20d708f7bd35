"""The base of all values: the core's plain data, with typed fields."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from azs_backup import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

    # What makes the value of a field from plain data.
    Shape = Callable[[Any], Any]
    T = TypeVar("T")

    def absent(*, default: T) -> T:
        """A field that the data may lack, and its default."""
        return default
else:

    class absent:
        """A field that the data may lack, and its default."""

        def __init__(self, *, default: object) -> None:
            self.default = default

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, value: object, owner: type) -> object:
            return self if value is None else value._field(self.name, self.default)

    def dataclass_transform(**_: object) -> object:
        """Tells type checkers that the fields of a class are the keywords that make one."""
        return lambda cls: cls


def moment(text: str | None) -> datetime | str | None:
    """A time; text if it is beyond Python's calendar."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return text


def entry_path(data: str | dict[str, str]) -> str:
    """A path in a set. Bytes that are not text become surrogates, as in `os.fsdecode`."""
    if isinstance(data, str):
        return data
    from base64 import b64decode

    return b64decode(data["base64"]).decode("utf-8", "surrogateescape")


def optional(shape: Shape) -> Shape:
    """A shape for data that may be none."""
    return lambda data: None if data is None else shape(data)


def several(shape: Shape) -> Shape:
    """A shape for a list of data."""
    return lambda data: tuple(map(shape, data))


def _frozen(data: Any) -> Any:
    if isinstance(data, dict):
        return MappingProxyType({key: _frozen(item) for key, item in data.items()})
    if isinstance(data, list):
        return tuple(map(_frozen, data))
    return data


def _hashable(data: Any) -> Any:
    if isinstance(data, dict):
        return frozenset((key, _hashable(item)) for key, item in data.items())
    if isinstance(data, list):
        return tuple(map(_hashable, data))
    return data


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(item) for key, item in data.items()}
    if isinstance(data, list):
        return list(map(_copy, data))
    return data


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(absent,))
class Value:
    """What all values have in common.

    >>> operation = Operation(kind="update", state="running", name="1.2311.0.24")
    >>> operation.kind, operation.started
    ('update', None)
    >>> operation == Operation(**operation.to_dict())
    True
    """

    __slots__ = ("_data",)
    _data: dict[str, Any]
    _shapes: ClassVar[Mapping[str, Shape]] = {}

    def __init__(self, **fields: Any) -> None:
        if missing := [name for name, needed in self._declared() if needed and name not in fields]:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
        object.__setattr__(self, "_data", {})
        object.__setattr__(self, "_data", self._plain(fields))

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Self:
        value = cls.__new__(cls)
        object.__setattr__(value, "_data", data)
        return value

    @classmethod
    def _declared(cls) -> Iterator[tuple[str, bool]]:
        """The fields, and whether each is required."""
        for kind in reversed(cls.__mro__):
            for name in kind.__dict__.get("__annotations__", ()):
                if not name.startswith("_"):
                    yield name, name not in kind.__dict__

    def _plain(self, fields: dict[str, Any]) -> dict[str, Any]:
        known = {name for name, _ in self._declared()} | self._data.keys()
        if unknown := [name for name in fields if name not in known]:
            raise TypeError(f"{type(self).__name__} has no {unknown[0]}: it has {', '.join(sorted(known))}")
        return {name: _native.plain(field) for name, field in fields.items()}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        copy: dict[str, Any] = _copy(self._data)
        return copy

    def to_json(self, *, indent: int | None = None) -> str:
        """Returns everything as JSON."""
        from json import dumps

        return dumps(self._data, indent=indent, ensure_ascii=False)

    def replace(self, **changes: object) -> Self:
        """Returns the same value with other fields."""
        return self._of({**self._data, **self._plain(changes)})

    __replace__ = replace

    def _field(self, name: str, *default: Any) -> Any:
        if name not in self._data and default:
            return default[0]
        return self._shapes.get(name, _frozen)(self._data[name])

    if not TYPE_CHECKING:
        # Type checkers know the declared fields; a later version of the core may add more.

        def __getattr__(self, name: str) -> Any:
            try:
                return self._field(name)
            except KeyError:
                raise AttributeError(f"{type(self).__name__} has no {name}", name=name, obj=self) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; see replace()")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._data})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(self) is type(other) and self._data == other._data

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self._data)))

    def __repr__(self) -> str:
        order = dict.fromkeys([*(name for name, _ in self._declared()), *self._data])
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in order if name in self._data)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self)._of, (self._data,)
