-- Folders that the package made; the tool that builds it has none of its own for rpm to remove. Those
-- in which somebody else has put something stay.
if tonumber(arg[2]) == 0 then
    for _, folder in ipairs({
        "/etc/genlock",
        "/run/genlock",
        "/usr/share/doc/genlock/benches",
        "/usr/share/doc/genlock/docs/recipes",
        "/usr/share/doc/genlock/docs",
        "/usr/share/doc/genlock/examples",
        "/usr/share/doc/genlock",
        "/usr/share/licenses/genlock",
    }) do
        posix.rmdir(folder)
    end
end
