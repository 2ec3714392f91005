/*
 * Eigen's matrices as they are: no copies, whichever order they are stored in, blocks and maps too.
 *
 * Three weeks of a shop's sales by product, and which week drifted from the first. Needs Eigen 3.
 */
#include <Eigen/Core>
#include <kldiv.hpp>

#include <cstdio>
#include <cstdlib>

int main()
{
    Eigen::MatrixXd sales(3, 4); /* stored by columns */
    sales << 120, 80, 40, 10, //
        118, 83, 41, 9,       //
        70, 60, 95, 30;
    const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = sales;

    /* The population stability index of each week against the first, counts taken as proportions. */
    const auto stability =
        kldiv::options().measure(kldiv::measure::jeffreys).normalization(kldiv::normalization::normalize);
    const kldiv::view first = kldiv::view(sales.row(0)).repeated(3);
    Eigen::VectorXd drift(3);
    kldiv::rows_into(sales, first, drift, stability);
    for (Eigen::Index week = 0; week < 3; week++)
        std::printf("week %d: %.4f%s\n", static_cast<int>(week + 1), drift[week],
                    drift[week] > 0.25 ? ", drifted" : "");

    /* Either order has the same bits, and so has a part of a matrix. */
    Eigen::VectorXd again(3);
    kldiv::rows_into(by_rows, first, again, stability);
    const double change = kldiv::kl(sales.bottomRows(2).topRows(1), by_rows.row(2), stability);
    std::printf("from week 2 to week 3: %.4f\n", change);

    /* Outputs may be matrices of either order and of floats, too. */
    Eigen::MatrixXf terms(3, 4);
    kldiv::terms_into(sales, first, terms, stability);
    Eigen::Index most = 0;
    terms.row(2).maxCoeff(&most);
    std::printf("most of it is product %d's\n", static_cast<int>(most + 1));
    return drift == again ? EXIT_SUCCESS : EXIT_FAILURE;
}
