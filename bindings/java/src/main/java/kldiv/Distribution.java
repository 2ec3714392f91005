package kldiv;

/** A member of a family of distributions, by its parameters. */
public final class Distribution {
    /** A family; it says what the columns of a matrix of parameters are. */
    public enum Family {
        /** loc, scale. */
        NORMAL(1),
        /** loc, scale. */
        LAPLACE(2),
        /** loc, scale. */
        GUMBEL(3),
        /** loc, scale. */
        LOGISTIC(4),
        /** loc, scale. */
        MOYAL(5),
        /** loc, scale. */
        CAUCHY(6),
        /** loc, scale. */
        LOGNORMAL(7),
        /** scale. */
        HALFNORMAL(8),
        /** rate. */
        EXPONENTIAL(9),
        /** concentration, rate. */
        GAMMA(10),
        /** concentration, rate. */
        INVERSEGAMMA(11),
        /** df. */
        CHI2(12),
        /** df. */
        CHI(13),
        /** concentration1, concentration0. */
        BETA(14),
        /** concentration1, concentration0. */
        KUMARASWAMY(15),
        /** probs. */
        CONTINUOUSBERNOULLI(16),
        /** low, high. */
        UNIFORM(17),
        /** scale, concentration. */
        WEIBULL(18),
        /** scale, alpha. */
        PARETO(19),
        /** df, loc, scale. */
        STUDENTT(20),
        /** loc, concentration. */
        VONMISES(21),
        /** probs. */
        BERNOULLI(22),
        /** logits. */
        BERNOULLI_LOGITS(23),
        /** probs. */
        CATEGORICAL(24),
        /** logits. */
        CATEGORICAL_LOGITS(25),
        /** total_count, probs. */
        BINOMIAL(26),
        /** total_count, probs. */
        NEGATIVEBINOMIAL(27),
        /** probs. */
        GEOMETRIC(28),
        /** rate. */
        POISSON(29),
        /** total_count, probs. */
        MULTINOMIAL(30),
        /** concentration. */
        DIRICHLET(31),
        /** loc, covariance_matrix. */
        MVNORMAL(32),
        /** loc, scale_tril. */
        MVNORMAL_TRIL(33),
        /** loc, precision_matrix. */
        MVNORMAL_PRECISION(34),
        /** loc, scale_diag. */
        MVNORMAL_DIAG(35),
        /** loc, cov_diag, cov_factor. */
        MVNORMAL_LOWRANK(36),
        /** df, covariance_matrix. */
        WISHART(37),
        /** df, scale_matrix. */
        INVERSEWISHART(38);

        final int number;

        Family(int number) {
            this.number = number;
        }
    }

    private final Family family;
    private final double[] params;
    final int dim; // of a multivariate normal of low rank, else 0

    private Distribution(Family family, int dim, double[]... parts) {
        this.family = family;
        this.dim = dim;
        int count = 0;
        for (double[] part : parts) {
            count += part.length;
        }
        params = new double[count];
        int at = 0;
        for (double[] part : parts) {
            System.arraycopy(part, 0, params, at, part.length);
            at += part.length;
        }
    }

    private static Distribution of(Family family, double... params) {
        return new Distribution(family, 0, params);
    }

    private static double[] one(double param) {
        return new double[] {param};
    }

    /** The family. */
    public Family family() {
        return family;
    }

    /** The parameters, in the order of the family's columns. */
    public double[] params() {
        return params.clone();
    }

    /** The divergence of this distribution from another, in nats. */
    public double kl(Distribution q) {
        return divergence(q, null);
    }

    /** The same for another measure: KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY (q may be null) or CROSS_ENTROPY. */
    public double divergence(Distribution q, Options options) {
        int dimension = dim != 0 || q == null ? dim : q.dim;
        Options all = options;
        if (dimension != 0) {
            all = (options == null ? Options.builder() : options.toBuilder()).dim(dimension).build();
        }
        Matrix other = q == null ? null : Matrix.row(q.params);
        return Kldiv.family(family, Matrix.row(params), q == null ? family : q.family, other, all)[0];
    }

    /** A normal distribution. */
    public static Distribution normal(double loc, double scale) {
        return of(Family.NORMAL, loc, scale);
    }

    /** A Laplace distribution. */
    public static Distribution laplace(double loc, double scale) {
        return of(Family.LAPLACE, loc, scale);
    }

    /** A Gumbel distribution. */
    public static Distribution gumbel(double loc, double scale) {
        return of(Family.GUMBEL, loc, scale);
    }

    /** A logistic distribution. */
    public static Distribution logistic(double loc, double scale) {
        return of(Family.LOGISTIC, loc, scale);
    }

    /** A Moyal distribution. */
    public static Distribution moyal(double loc, double scale) {
        return of(Family.MOYAL, loc, scale);
    }

    /** A Cauchy distribution. */
    public static Distribution cauchy(double loc, double scale) {
        return of(Family.CAUCHY, loc, scale);
    }

    /** A log-normal distribution: loc and scale are of ln x. */
    public static Distribution logNormal(double loc, double scale) {
        return of(Family.LOGNORMAL, loc, scale);
    }

    /** A half-normal distribution: scale is of the normal distribution whose half it is. */
    public static Distribution halfNormal(double scale) {
        return of(Family.HALFNORMAL, scale);
    }

    /** An exponential distribution. */
    public static Distribution exponential(double rate) {
        return of(Family.EXPONENTIAL, rate);
    }

    /** A gamma distribution. */
    public static Distribution gamma(double concentration, double rate) {
        return of(Family.GAMMA, concentration, rate);
    }

    /** An inverse gamma distribution. */
    public static Distribution inverseGamma(double concentration, double rate) {
        return of(Family.INVERSEGAMMA, concentration, rate);
    }

    /** A chi-squared distribution. */
    public static Distribution chi2(double df) {
        return of(Family.CHI2, df);
    }

    /** A chi distribution. */
    public static Distribution chi(double df) {
        return of(Family.CHI, df);
    }

    /** A beta distribution: x^(a-1) (1-x)^(b-1) with a, b. */
    public static Distribution beta(double concentration1, double concentration0) {
        return of(Family.BETA, concentration1, concentration0);
    }

    /** A Kumaraswamy distribution. */
    public static Distribution kumaraswamy(double concentration1, double concentration0) {
        return of(Family.KUMARASWAMY, concentration1, concentration0);
    }

    /** A continuous Bernoulli distribution. */
    public static Distribution continuousBernoulli(double probs) {
        return of(Family.CONTINUOUSBERNOULLI, probs);
    }

    /** A uniform distribution. */
    public static Distribution uniform(double low, double high) {
        return of(Family.UNIFORM, low, high);
    }

    /** A Weibull distribution. */
    public static Distribution weibull(double scale, double concentration) {
        return of(Family.WEIBULL, scale, concentration);
    }

    /** A Pareto distribution from scale on. */
    public static Distribution pareto(double scale, double alpha) {
        return of(Family.PARETO, scale, alpha);
    }

    /** A Student distribution; scale is not the standard deviation. */
    public static Distribution studentT(double df, double loc, double scale) {
        return of(Family.STUDENTT, df, loc, scale);
    }

    /** A von Mises distribution. */
    public static Distribution vonMises(double loc, double concentration) {
        return of(Family.VONMISES, loc, concentration);
    }

    /** A Bernoulli distribution: the probability of 1. */
    public static Distribution bernoulli(double probs) {
        return of(Family.BERNOULLI, probs);
    }

    /** A Bernoulli distribution by its logit. */
    public static Distribution bernoulliLogits(double logits) {
        return of(Family.BERNOULLI_LOGITS, logits);
    }

    /** A categorical distribution; the probabilities are divided by their sum. */
    public static Distribution categorical(double[] probs) {
        return new Distribution(Family.CATEGORICAL, 0, probs);
    }

    /** A categorical distribution: the softmax of the logits. */
    public static Distribution categoricalLogits(double[] logits) {
        return new Distribution(Family.CATEGORICAL_LOGITS, 0, logits);
    }

    /** A binomial distribution. */
    public static Distribution binomial(double totalCount, double probs) {
        return of(Family.BINOMIAL, totalCount, probs);
    }

    /** A negative binomial distribution: (1-s)^r s^k. */
    public static Distribution negativeBinomial(double totalCount, double probs) {
        return of(Family.NEGATIVEBINOMIAL, totalCount, probs);
    }

    /** A geometric distribution from 0 on. */
    public static Distribution geometric(double probs) {
        return of(Family.GEOMETRIC, probs);
    }

    /** A Poisson distribution. */
    public static Distribution poisson(double rate) {
        return of(Family.POISSON, rate);
    }

    /** A multinomial distribution; the probabilities are divided by their sum. */
    public static Distribution multinomial(double totalCount, double[] probs) {
        return new Distribution(Family.MULTINOMIAL, 0, one(totalCount), probs);
    }

    /** A Dirichlet distribution. */
    public static Distribution dirichlet(double[] concentration) {
        return new Distribution(Family.DIRICHLET, 0, concentration);
    }

    /** A multivariate normal distribution by its covariance, row by row. */
    public static Distribution mvNormal(double[] loc, double[] covarianceMatrix) {
        return new Distribution(Family.MVNORMAL, 0, loc, covarianceMatrix);
    }

    /** A multivariate normal distribution by the lower triangular factor of its covariance. */
    public static Distribution mvNormalTril(double[] loc, double[] scaleTril) {
        return new Distribution(Family.MVNORMAL_TRIL, 0, loc, scaleTril);
    }

    /** A multivariate normal distribution by the inverse of its covariance. */
    public static Distribution mvNormalPrecision(double[] loc, double[] precisionMatrix) {
        return new Distribution(Family.MVNORMAL_PRECISION, 0, loc, precisionMatrix);
    }

    /** A multivariate normal distribution by its standard deviations. */
    public static Distribution mvNormalDiag(double[] loc, double[] scaleDiag) {
        return new Distribution(Family.MVNORMAL_DIAG, 0, loc, scaleDiag);
    }

    /** A multivariate normal distribution of covariance W W^T + diag v: v, and W row by row. */
    public static Distribution mvNormalLowRank(double[] loc, double[] covDiag, double[] covFactor) {
        return new Distribution(Family.MVNORMAL_LOWRANK, loc.length, loc, covDiag, covFactor);
    }

    /** A Wishart distribution of mean df V. */
    public static Distribution wishart(double df, double[] covarianceMatrix) {
        return new Distribution(Family.WISHART, 0, one(df), covarianceMatrix);
    }

    /** An inverse Wishart distribution. */
    public static Distribution inverseWishart(double df, double[] scaleMatrix) {
        return new Distribution(Family.INVERSEWISHART, 0, one(df), scaleMatrix);
    }
}
