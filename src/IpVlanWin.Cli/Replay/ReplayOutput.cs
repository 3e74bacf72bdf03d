using IpVlanWin.Devices.Pcap;

namespace IpVlanWin.Cli.Replay;

/// <summary>
/// The files of a replay, one for each place, in one directory. They are written under <see cref="PartSuffix"/> and get their names
/// when all are complete, so a file that has its name is whole, and what was there before stays until then.
/// </summary>
internal sealed class ReplayOutput : IDisposable
{
    /// <summary>Where frames go that go nowhere.</summary>
    public const string DroppedPlace = "dropped";

    /// <summary>Ends the name of a file that is not complete.</summary>
    public const string PartSuffix = ".part";

    private const string Extension = ".pcapng";

    // The same frames make the same file on every machine.
    private static readonly CaptureOrigin Origin = CaptureOrigin.ThisProcess with { Hardware = null, OperatingSystem = null };

    private readonly List<OutputFile> _files = [];
    private readonly List<string> _madeDirectories = [];
    private readonly string _directory;
    private readonly bool _replacesFiles;
    private bool _isComplete;

    private ReplayOutput(string directory, bool replacesFiles) => (_directory, _replacesFiles) = (directory, replacesFiles);

    /// <summary>Makes the directory where it is missing, and a file for each place.</summary>
    /// <param name="directory">Where to.</param>
    /// <param name="places">Names of the files, without extension.</param>
    /// <param name="replacesFiles">Files of these names may be there and are replaced.</param>
    /// <exception cref="CommandException">It cannot be done; nothing is left behind.</exception>
    public static ReplayOutput Create(string directory, IEnumerable<string> places, bool replacesFiles)
    {
        var output = new ReplayOutput(directory, replacesFiles);
        try
        {
            output.MakeDirectory();
            foreach (var place in places)
                output.Add(place);
            return output;
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }

    /// <summary>The file of a place.</summary>
    public CaptureWriter this[string place] => _files.Find(file => file.Place == place)!.Writer;

    /// <exception cref="CommandException">A file could not be written, because the disk is full or for another reason.</exception>
    public void ThrowIfFailed()
    {
        foreach (var file in _files)
        {
            if (file.Writer.Fault is { } fault)
                throw GiveUp(file, fault);
        }
    }

    /// <summary>Completes the files and gives them their names.</summary>
    /// <exception cref="CommandException">A file could not be written or named; all are taken back.</exception>
    public void Complete()
    {
        foreach (var file in _files)
        {
            try
            {
                file.Writer.Dispose();
            }
            catch (IOException fault)
            {
                throw GiveUp(file, fault.InnerException ?? fault);
            }
        }
        foreach (var file in _files)
        {
            try
            {
                File.Move(file.PartPath, file.Path, _replacesFiles);
                file.HasItsName = true;
            }
            catch (Exception fault) when (FileFaults.IsOfFile(fault))
            {
                throw GiveUp(file, fault);
            }
        }
        _isComplete = true;
    }

    /// <summary>Removes what is not complete.</summary>
    /// <returns>What could not be removed.</returns>
    public IReadOnlyList<string> TakeBack()
    {
        var left = new List<string>();
        if (_isComplete)
            return left;
        foreach (var file in _files)
        {
            try
            {
                file.Writer.Dispose();
            }
            catch (IOException)
            {
                // The file goes away, so it does not matter what is missing in it.
            }
            var path = file.HasItsName ? file.Path : file.PartPath;
            Remove(path, File.Delete, left);
        }
        foreach (var made in _madeDirectories)
            Remove(made, Directory.Delete, left);
        _isComplete = true;
        return left;
    }

    /// <summary>What <see cref="TakeBack"/> came to, for the end of a message.</summary>
    public string DescribeTakeBack() => TakeBack() is { Count: > 0 } left
        ? $"; incomplete and left behind: {string.Join(", ", left)}"
        : "; no output was kept";

    /// <summary>Takes back what is not complete.</summary>
    public void Dispose() => TakeBack();

    private static void Remove(string path, Action<string> remove, List<string> left)
    {
        try
        {
            remove(path);
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            left.Add(path);
        }
    }

    private void MakeDirectory()
    {
        try
        {
            if (File.Exists(_directory))
                throw Refused("it is a file, --out must name a directory");
            // Deepest first, so that they can be removed in this order.
            for (var missing = Path.GetFullPath(_directory); missing is not null && !Directory.Exists(missing); missing = Path.GetDirectoryName(missing))
                _madeDirectories.Add(missing);
            Directory.CreateDirectory(_directory);
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            _madeDirectories.RemoveAll(path => !Directory.Exists(path));
            throw Refused($"cannot be made: {FileFaults.Describe(fault, _directory)}", fault);
        }
    }

    private void Add(string place)
    {
        var path = Path.Combine(_directory, place + Extension);
        if (!_replacesFiles && File.Exists(path))
            throw CommandException.Refused($"{path}: exists already; --force replaces it");
        try
        {
            var stream = new FileStream(path + PartSuffix, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            _files.Add(new OutputFile(place, path, new PcapNgWriter(stream, Origin)));
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            throw CommandException.Refused($"{path + PartSuffix}: cannot be made: {FileFaults.Describe(fault, path + PartSuffix)}", fault);
        }
    }

    private CommandException Refused(string fault, Exception? cause = null) =>
        CommandException.Refused($"{(_directory.Length == 0 ? "--out" : _directory)}: {fault}", cause);

    private CommandException GiveUp(OutputFile file, Exception fault) =>
        CommandException.Refused($"{file.Path}: cannot be written: {FileFaults.Describe(fault, file.Path)}{DescribeTakeBack()}", fault);

    private sealed class OutputFile(string place, string path, CaptureWriter writer)
    {
        public string Place => place;

        public string Path => path;

        public string PartPath => path + PartSuffix;

        public CaptureWriter Writer => writer;

        public bool HasItsName { get; set; }
    }
}
