"""What packaging/mailhost brings, for servers that are started from it."""
import pathlib
import types

PACKAGING = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "mailhost"
TEMPLATES = PACKAGING / "templates"

# The program `render` as a module; nothing is written beside it.
_module = types.ModuleType("render")
exec(compile((PACKAGING / "render").read_text(), PACKAGING / "render", "exec"), _module.__dict__)
fill, render = _module.fill, _module.render
