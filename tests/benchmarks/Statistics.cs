namespace IpVlanWin.Benchmarks;

/// <summary>Order statistics of small samples.</summary>
internal static class Statistics
{
    public static double Median(IReadOnlyCollection<double> values) => Quantile(values, 0.5);

    /// <summary>The value below which that part of the sample lies, by linear interpolation.</summary>
    public static double Quantile(IReadOnlyCollection<double> values, double part)
    {
        if (values.Count == 0)
            return double.NaN;
        var sorted = values.Order().ToArray();
        var at = part * (sorted.Length - 1);
        var low = (int)at;
        var high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + ((sorted[high] - sorted[low]) * (at - low));
    }
}
